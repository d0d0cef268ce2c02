// The sandbox as this program finds it: files written by `kabao dev`, and an
// https agent that takes the place of a hosts entry. The SDK itself is unchanged:
// it talks to https://api.mch.weixin.qq.com/ and checks certificate and name.

import { Agent } from 'node:https';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect } from 'node:tls';

import sdk from 'wechatpay-axios-plugin';

const { Aes, Wechatpay } = sdk;

/** What one account's folder holds. */
export function account(directory, name) {
  const read = (file) => readFileSync(join(directory, name, file), 'utf8');
  return {
    ...JSON.parse(read('account.json')),
    privateKey: read('apiclient_key.pem'),
    publicKey: read('pub_key.pem'),
  };
}

/** Connects every request to the sandbox, whatever host it names. */
export function agent(directory, address, options = {}) {
  const [host, port] = address.split(':');
  const ca = readFileSync(join(directory, 'ca.pem'));
  const redirecting = new Agent({ ...options, ca });
  redirecting.createConnection = (options) => connect({ ...options, host, port: Number(port) });
  return redirecting;
}

/** A client that verifies with WeChat Pay's public key. */
export function publicKeyClient(who, httpsAgent) {
  return new Wechatpay({
    mchid: who.mchid,
    serial: who.serial_no,
    privateKey: who.privateKey,
    certs: { [who.public_key_id]: who.publicKey },
    headers: { 'Wechatpay-Serial': who.public_key_id },
    httpsAgent,
    timeout: 15000,
  });
}

/** A client that downloads WeChat Pay's certificates, and the serial numbers it now trusts. */
export async function certificateClient(who, httpsAgent) {
  const config = {
    mchid: who.mchid,
    serial: who.serial_no,
    privateKey: who.privateKey,
    certs: { any: undefined },
    httpsAgent,
    timeout: 15000,
  };
  const client = new Wechatpay(config);
  // As the SDK's own downloader does: decrypt first, then verify this very answer.
  // The constructor has replaced `config.certs` by the set that its verifier reads.
  const decrypt = (body) => {
    (JSON.parse(body).data ?? []).forEach(({ serial_no: serial, encrypt_certificate: box }) => {
      config.certs[serial] = Aes.AesGcm.decrypt(
        box.ciphertext, who.apiv3_key, box.nonce, box.associated_data,
      );
    });
    return body;
  };
  const { data } = await client.v3.certificates.get({
    transformResponse: [decrypt, ...client.client.v3.defaults.transformResponse],
  });
  return { client, serials: data.data.map(({ serial_no: serial }) => serial) };
}
