// Takes points from a member once, however often it has to call.
//
//     node repeat.js ADDRESS

import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { fileURLToPath } from 'node:url';

import grpc from '@grpc/grpc-js';
import loader from '@grpc/proto-loader';

const MEMBER = 'accounts/demo-official-account/templates/ph_gmt7cUVrlRk8swPwx7aDyF-pg/members/916679873278';

const protos = loader.loadSync('kabao/v1/member_service.proto', {
  includeDirs: [fileURLToPath(new URL('../../../proto', import.meta.url))],
  longs: String,
  enums: String,
});
const { MemberService } = grpc.loadPackageDefinition(protos).kabao.v1;

const { UNAVAILABLE, ABORTED, DEADLINE_EXCEEDED, RESOURCE_EXHAUSTED, UNKNOWN } = grpc.status;
const AGAIN = [UNAVAILABLE, ABORTED, DEADLINE_EXCEEDED, RESOURCE_EXHAUSTED, UNKNOWN];

/** Spends points once: the id is that of the order, and the same in every repeat. */
async function spend(members, order) {
  const adjustPoints = promisify(members.adjustPoints).bind(members);
  const request = { name: MEMBER, add: -10, requestId: order };
  const end = Date.now() + 60_000;
  for (let wait = 200; ; wait = Math.min(2 * wait, 5_000)) {
    try {
      return await adjustPoints(request, new grpc.Metadata(), { deadline: Date.now() + 10_000 });
    } catch (error) {
      if (!AGAIN.includes(error.code) || Date.now() > end) {
        throw error; // If the time is up, ask ChangeService.GetChange what became of it.
      }
      const [told] = error.metadata.get('grpc-retry-pushback-ms');
      await sleep(Math.max(wait, Number(told ?? 0)));
    }
  }
}

async function main(address) {
  const members = new MemberService(address, grpc.credentials.createInsecure());
  const order = randomUUID();
  const first = await spend(members, order);
  // As if the first answer had been lost.
  const second = await spend(members, order);
  console.log(`took ${first.before - first.after} points once: ${first.after === second.after}`);
  members.close();
}

await main(process.argv[2]);
