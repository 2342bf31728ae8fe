// Runs all audits of the npm package graphql-http against a running server, with a token:
//
//   LETHE_NPM=FOLDER node run.mjs http://127.0.0.1:8080/graphql TOKEN
//
// FOLDER is where `cargo xtask test` has put node_modules (target/npm); else node looks beside this file.
// Prints a line for each audit that does not pass, then the count. Exit: 0 all pass, 1 some do not.

import { createRequire } from 'node:module';

const require = createRequire(process.env.LETHE_NPM ? `${process.env.LETHE_NPM}/here.js` : import.meta.url);
const { auditServer } = require('graphql-http');

const [url, token] = process.argv.slice(2);
const authorized = (input, init = {}) => {
  const headers = new Headers(init.headers);
  headers.set('authorization', `Bearer ${token}`);
  return fetch(input, { ...init, headers });
};

const results = await auditServer({ url, fetchFn: authorized });
const failed = results.filter(({ status }) => status !== 'ok');
for (const { id, name, status, reason } of failed) {
  console.log(`${status} ${id}: ${name}: ${reason}`);
}
console.log(`${results.length - failed.length} of ${results.length} audits pass`);
process.exitCode = results.length === 61 && failed.length === 0 ? 0 : 1;
