// A company's sign-on on this machine: node provider.mjs PORT REDIRECT_URI. Whoever signs in is who they say; groups by name.
import Provider from 'oidc-provider';

const [port, redirect] = process.argv.slice(2);
const groups = { ann: ['credit-analysts', 'tennis'], chef: ['credit-approvers', 'credit-analysts'], guest: ['tennis'], nobody: undefined };
const client = { client_secret: 'a-secret-that-both-sides-know-0123456789', redirect_uris: [redirect] };
const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients: [{ ...client, client_id: 'riskscore' }, { ...client, client_id: 'another' }],
  claims: { openid: ['sub'], email: ['email'], groups: ['groups'] },
  conformIdTokenClaims: false,
  cookies: { keys: ['one process, one test'] },
  findAccount: (_, id) => ({
    accountId: id,
    claims: () => ({ sub: id, email: `${id}@corp.example`, groups: groups[id] }),
  }),
});
provider.listen(port, '127.0.0.1', () => console.log('ready'));
