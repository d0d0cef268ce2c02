// node bench.js SANDBOX_DIRECTORY HOST:PORT
//
// Reads one member over and over, as it is told on standard input:
//
//   run read IN_FLIGHT MILLISECONDS
//
// and answers `ran CALLS SECONDS`. The package tests/bench asks.

import { createInterface } from 'node:readline';

import { account, agent, publicKeyClient } from './sandbox.js';

const MEMBER = { card_id: 'pbLatjvWOibDc5-TBnbUk1pD12o0', code: '478515832665' };

const [directory, address] = process.argv.slice(2);
// As a program that makes many calls sets it.
const connections = agent(directory, address, { keepAlive: true });
const member = publicKeyClient(account(directory, 'demo-merchant'), connections)
  .v3.marketing['membercard-open'].cards.$card_id$.codes.$code$;

async function run(inFlight, milliseconds) {
  const started = performance.now();
  let calls = 0;
  const caller = async () => {
    while (performance.now() - started < milliseconds) {
      try {
        const { data } = await member.get(MEMBER);
        if (data.code !== MEMBER.code) throw new Error('another member');
        calls += 1;
      } catch (error) {
        // The server has ended a connection that was kept: Node asks nobody again by itself.
        if (error.code !== 'ECONNRESET') throw error;
      }
    }
  };
  await Promise.all(Array.from({ length: inFlight }, caller));
  return `ran ${calls} ${(performance.now() - started) / 1000}`;
}

console.log('ready');
for await (const question of createInterface({ input: process.stdin })) {
  const [, , inFlight, milliseconds] = question.split(' ').map(Number);
  console.log(await run(inFlight, milliseconds));
}
