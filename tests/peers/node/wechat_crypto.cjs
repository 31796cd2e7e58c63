// Signs, encrypts, decrypts and builds whole pushes with wechat-crypto: one question per line, one answer per line.
const crypto = require('node:crypto');
const { createInterface } = require('node:readline');
const WXBizMsgCrypt = require('wechat-crypto');

const random = crypto.pseudoRandomBytes;

function fixRandom(prefix) {
  const value = prefix ? () => Buffer.from(prefix) : random;
  Object.defineProperty(crypto, 'pseudoRandomBytes', { value, configurable: true });
}

function push(question, cipher) {
  const { token, timestamp, nonce, openid, message } = question;
  const encrypt = cipher.encrypt(message);
  const signature = crypto.createHash('sha1').update([token, timestamp, nonce].sort().join('')).digest('hex');
  const query = Object.entries({
    signature, timestamp, nonce, openid,
    encrypt_type: 'aes',
    msg_signature: cipher.getSignature(timestamp, nonce, encrypt),
  });
  return { query, body: `<xml><ToUserName><![CDATA[gh]]></ToUserName><Encrypt><![CDATA[${encrypt}]]></Encrypt></xml>` };
}

function answer(question) {
  const cipher = new WXBizMsgCrypt(question.token || '-', question.key || 'A'.repeat(43), question.app_id || '-');
  switch (question.do) {
    case 'sign':
      return { signature: cipher.getSignature(...[...question.parts, '', ''].slice(0, 3)) };
    case 'decrypt': {
      const { message, id } = cipher.decrypt(question.encrypt);
      if (id !== question.app_id) throw new Error(`for another app: ${id}`);
      return { message };
    }
    case 'push':
      return push(question, cipher);
    default:
      fixRandom(question.prefix);
      return { encrypt: cipher.encrypt(question.message) };
  }
}

createInterface({ input: process.stdin }).on('line', (line) => {
  process.stdout.write(`${JSON.stringify(answer(JSON.parse(line)))}\n`);
});
