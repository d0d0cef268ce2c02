// Reads a member through a gateway that wants to know who calls: over TLS, with a bearer token.
//
//     node secure-call.js ADDRESS CA TOKEN_FILE

import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { fileURLToPath } from 'node:url';

import grpc from '@grpc/grpc-js';
import loader from '@grpc/proto-loader';

const MEMBER = 'accounts/demo-merchant/templates/pbLatjvWOibDc5-TBnbUk1pD12o0/members/478515832665';

const protos = loader.loadSync('kabao/v1/member_service.proto', {
  includeDirs: [fileURLToPath(new URL('../../../proto', import.meta.url))],
  longs: String,
  enums: String,
});
const { MemberService } = grpc.loadPackageDefinition(protos).kabao.v1;

/** Credentials that show a token with every call. */
function credentials(ca, tokenFile) {
  const tls = grpc.credentials.createSsl(readFileSync(ca));
  const metadata = new grpc.Metadata();
  metadata.set('authorization', `Bearer ${readFileSync(tokenFile, 'utf8')}`);
  const token = grpc.credentials.createFromMetadataGenerator((_, done) => done(null, metadata));
  return grpc.credentials.combineChannelCredentials(tls, token);
}

async function main(address, ca, tokenFile) {
  const members = new MemberService(address, credentials(ca, tokenFile));
  const getMember = promisify(members.getMember).bind(members);
  const found = await getMember({ name: MEMBER });
  console.log('known, and read:', found.state);
  members.close();
}

await main(...process.argv.slice(2));
