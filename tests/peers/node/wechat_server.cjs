// A service that somebody else would build on the npm package `wechat`; it says its port, then answers pushes.
const { createServer } = require('node:http');
const wechat = require('wechat');

// the package's replies don't escape the end of a CDATA section
const safe = (text) => text.replaceAll(']]>', ']] >');
const settings = JSON.parse(process.argv[2]);
const handle = wechat(settings, wechat
  .text((message, req, res) => res.reply(`收到：${safe(message.Content)} / ${message.FromUserName} / ${message.MsgId}`))
  .event((message, req, res) => res.reply(message.Event === 'unsubscribe' ? '' : `事件：${message.Event}`))
  .location((message, req, res) => res.reply(`位置：${message.Location_X}, ${message.Location_Y} ${message.Label}`))
  .image((message, req, res) => res.reply(`图片：${message.PicUrl}`))
  .voice((message, req, res) => res.reply(`语音：${message.Recognition}`)));

const server = createServer((req, res) => {
  req.query = Object.fromEntries(new URL(req.url, 'http://127.0.0.1').searchParams);
  handle(req, res, (error) => {
    res.writeHead(500);
    res.end(error ? error.name : 'nobody');
  });
});
server.listen(0, '127.0.0.1', () => {
  process.stdout.write(`${JSON.stringify({ port: server.address().port })}\n`);
});
process.stdin.resume().on('end', () => process.exit());
