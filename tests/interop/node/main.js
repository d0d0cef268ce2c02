// node main.js SANDBOX_DIRECTORY HOST:PORT RUN
//
// Completes merchant and brand operations with wechatpay-axios-plugin's own signing
// and verification, and prints what it saw as one JSON object. RUN makes the request
// numbers of this run unique.

import { createHash } from 'node:crypto';

import sdk from 'wechatpay-axios-plugin';

import { account, agent, certificateClient, publicKeyClient } from './sandbox.js';

const { Multipart, Rsa } = sdk;

const TEMPLATE = 'pbLatjvWOibDc5-TBnbUk1pD12o0';
const CODE = '478515832665';
const OPENID = 'obLatjnx9gnqzS4myYGmLZ7LgLBA';

// One grey pixel.
const PNG = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR42mNoAAAAggCB2kUIOwAAAABJRU5ErkJggg==',
  'base64',
);

const data = (response) => response.data;

/** WeChat's own example of a user card update, and what a query says before and after. */
async function merchant(who, httpsAgent, run) {
  const member = publicKeyClient(who, httpsAgent)
    .v3.marketing['membercard-open'].cards.$card_id$.codes.$code$;
  const path = { card_id: TEMPLATE, code: CODE };

  const before = data(await member.get(path));
  const request = {
    level: '黄金会员',
    membership_number: `N${run}`,
    balance_information: {
      before_balance: before.balance,
      balance: before.balance + 100,
      add_balance: 100,
    },
    out_request_no: `node${run}`,
  };
  const update = await member.patch(request, path);
  // A caller that lost the answer repeats the call with the same number.
  const repeated = await member.patch(request, path);
  const after = data(await member.get(path));
  return {
    before,
    request,
    status: [update.status, repeated.status],
    no_content: withoutBody(update),
    after,
  };
}

/** What an answer says of the body that it has not. */
function withoutBody({ status, headers }) {
  const named = ['content-type', 'content-length', 'content-language'];
  return { status, ...Object.fromEntries(named.map((name) => [name, headers[name]])) };
}

/** The same query, trusting downloaded certificates instead of the public key. */
async function certificates(who, httpsAgent) {
  const { client, serials } = await certificateClient(who, httpsAgent);
  const member = client.v3.marketing['membercard-open'].cards.$card_id$.codes.$code$;
  return { serials, member: data(await member.get({ card_id: TEMPLATE, code: CODE })) };
}

/** A picture, of which the SDK signs the part `meta`. */
async function upload(who, httpsAgent) {
  const sha256 = createHash('sha256').update(PNG).digest('hex');
  const form = new Multipart()
    .append('meta', JSON.stringify({ filename: 'card.png', sha256 }))
    .append('file', PNG, 'card.png');
  const client = publicKeyClient(who, httpsAgent);
  return data(await client.v3.marketing.favor.media['image-upload'].post(
    form,
    { headers: form.getHeaders() },
  ));
}

/** A service provider's template and member, with a phone number encrypted both ways. */
async function brand(who, httpsAgent, run) {
  const { v3 } = publicKeyClient(who, httpsAgent);
  const family = v3.brand.partner['card-member'];
  const template = family.cards.$card_id$;
  const member = family['user-cards'].$user_card_code$;
  const brandId = who.brand_id;
  const path = { card_id: TEMPLATE, user_card_code: CODE };
  const owner = { brand_id: brandId, card_id: TEMPLATE, openid: OPENID };

  const before = data(await template.get({ ...path, params: { brand_id: brandId } }));
  await template.patch({ brand_id: brandId, benefits: `node${run}` }, path);
  const after = data(await template.get({ ...path, params: { brand_id: brandId } }));

  const phone = `138${run.padStart(8, '0').slice(-8)}`;
  await member.patch({
    ...owner,
    level: 'Gold',
    phone_number: Rsa.encrypt(phone, who.publicKey),
  }, path);
  const card = data(await member.get({ ...path, params: owner }));

  const invalidated = data(await family.cards.$card_id$.invalidate.post({ brand_id: brandId }, path));
  return {
    before,
    after,
    member: { ...card, phone_number: Rsa.decrypt(card.phone_number, who.privateKey) },
    phone,
    invalidated,
  };
}

/** A refusal arrives with WeChat's own code, signed or not. */
async function refusal(who, httpsAgent) {
  const member = publicKeyClient(who, httpsAgent)
    .v3.marketing['membercard-open'].cards.$card_id$.codes.$code$;
  try {
    await member.get({ card_id: TEMPLATE, code: '000000000000' });
  } catch ({ response }) {
    return { status: response.status, code: response.data.code };
  }
  throw new Error('a member that does not exist was found');
}

async function main([directory, address, run]) {
  const httpsAgent = agent(directory, address);
  const asMerchant = account(directory, 'demo-merchant');
  const asBrand = account(directory, 'demo-brand');
  return {
    merchant: await merchant(asMerchant, httpsAgent, run),
    certificates: await certificates(asMerchant, httpsAgent),
    refusal: await refusal(asMerchant, httpsAgent),
    upload: await upload(asBrand, httpsAgent),
    brand: await brand(asBrand, httpsAgent, run),
  };
}

try {
  console.log(JSON.stringify(await main(process.argv.slice(2))));
} catch (error) {
  // axios puts whole sockets into its errors.
  const { stack, config, response } = error;
  console.error(stack, config?.method, config?.url, response?.status, response?.data);
  process.exitCode = 1;
}
