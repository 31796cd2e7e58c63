// Checks and makes signatures: with the official client's verifier, and with Node's own cryptography.
import { createSign } from 'node:crypto';
import { createInterface } from 'node:readline';
import { AlipaySdk } from 'alipay-sdk';

const acts = {
  verify({ config, params }) {
    const client = new AlipaySdk({ keyType: 'PKCS8', ...config });
    return { plain: client.checkNotifySign(params), raw: client.checkNotifySignV2(params) };
  },
  rsaCheck({ config, content, signature, signType }) {
    return new AlipaySdk({ keyType: 'PKCS8', ...config }).rsaCheck(content, signature, signType);
  },
  decrypt({ config, sealed }) {
    return new AlipaySdk({ keyType: 'PKCS8', ...config }).aesDecrypt(sealed);
  },
  sign({ key, content, algorithm }) {
    return createSign(algorithm).update(Buffer.from(content, 'base64')).sign(key, 'base64');
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const question = JSON.parse(line);
  process.stdout.write(`${JSON.stringify(acts[question.act](question))}\n`);
}
