// Signs, encrypts and decrypts with @wecom/crypto: one question per line, one answer per line.
import { createInterface } from 'node:readline';
import { decrypt, encrypt, getSignature } from '@wecom/crypto';

function answer(question) {
  if (question.do === 'sign') {
    return { signature: getSignature(question.token, ...[...question.parts, '', ''].slice(0, 3)) };
  }
  if (question.do === 'decrypt') {
    const { message, id } = decrypt(question.key, question.encrypt);
    if (id !== question.app_id) throw new Error(`for another app: ${id}`);
    return { message };
  }
  const prefix = question.prefix ? [Buffer.from(question.prefix)] : [];
  return { encrypt: encrypt(question.key, question.message, question.app_id, ...prefix) };
}

for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(`${JSON.stringify(answer(JSON.parse(line)))}\n`);
}
