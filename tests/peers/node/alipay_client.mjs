// Calls a gateway with the official client: one call per line, one answer or error per line.
import { createInterface } from 'node:readline';

// its timestamps are the host's local time
process.env.TZ = 'Asia/Shanghai';
const { AlipaySdk } = await import('alipay-sdk');

for await (const line of createInterface({ input: process.stdin })) {
  const { config, method, params, options } = JSON.parse(line);
  const client = new AlipaySdk({ keyType: 'PKCS8', timeout: 5000, camelcase: false, ...config });
  let answer;
  try {
    answer = { node: await client.exec(method, params, options) };
  } catch (error) {
    answer = { error: error.name, message: error.message };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
