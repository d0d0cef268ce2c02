// Reads and changes a member over gRPC, and tells errors apart by their reason.
//
//     node first-call.js ADDRESS

import { promisify } from 'node:util';
import { fileURLToPath } from 'node:url';

import grpc from '@grpc/grpc-js';
import loader from '@grpc/proto-loader';

const MEMBER = 'accounts/demo-merchant/templates/pbLatjvWOibDc5-TBnbUk1pD12o0/members/478515832665';

// Nothing is generated: the protos are read when the program starts. 64-bit numbers are strings.
const protos = loader.loadSync(
  ['kabao/v1/member_service.proto', 'google/rpc/status.proto', 'google/rpc/error_details.proto'],
  { includeDirs: [fileURLToPath(new URL('../../../proto', import.meta.url))], longs: String, enums: String },
);
const { MemberService } = grpc.loadPackageDefinition(protos).kabao.v1;

/** The reason is for programs, the text of the error for people. */
function reason(error) {
  const [bytes] = error.metadata.get('grpc-status-details-bin');
  const { details } = protos['google.rpc.Status'].deserialize(bytes);
  const info = details.find(({ type_url: url }) => url.endsWith('/google.rpc.ErrorInfo'));
  return protos['google.rpc.ErrorInfo'].deserialize(info.value).reason;
}

async function main(address) {
  const members = new MemberService(address, grpc.credentials.createInsecure());
  const updateMember = promisify(members.updateMember).bind(members);
  const getMember = promisify(members.getMember).bind(members);

  const changed = await updateMember({
    member: { name: MEMBER, level: '黄金会员' },
    updateMask: { paths: ['level'] },
  });
  console.log('level', changed.level);

  await getMember({ name: 'accounts/nobody/templates/x/members/1' })
    .catch((error) => console.log('nobody:', reason(error)));
  members.close();
}

await main(process.argv[2]);
