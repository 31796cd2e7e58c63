// Calls an API with co-wechat-api: one call per line, its result or the error's code per line.
const { createInterface } = require('node:readline');
const WechatAPI = require('co-wechat-api');

const { base, appid, secret } = JSON.parse(process.argv[2]);
const api = new WechatAPI(appid, secret);
api.prefix = `${base}/cgi-bin/`;
api.snsPrefix = `${base}/sns/`;
api.setOpts({ timeout: 5000 });

async function answer({ call, args }) {
  try {
    const result = await api[call](...args);
    return { result: Buffer.isBuffer(result) ? result.toString('base64') : result };
  } catch (error) {
    return { code: error.code ?? null, message: error.message };
  }
}

(async () => {
  for await (const line of createInterface({ input: process.stdin })) {
    process.stdout.write(`${JSON.stringify(await answer(JSON.parse(line)))}\n`);
  }
})();
