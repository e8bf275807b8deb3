import { API, Contract, type OpenApi } from "../../support/contract.ts";

/** Before each test file: whatever a Signalbox answers to a `fetch` of a test is held against its own document. */
const plain = globalThis.fetch;
const contracts = new Map<string, Contract>();

globalThis.fetch = async (input, init) => {
  const response = await plain(input, init);
  const asked = input instanceof Request ? input : new Request(input);
  const { method = asked.method } = init ?? {};
  const { origin, pathname } = new URL(asked.url);
  const contract = API.test(pathname) ? await contractOf(origin) : null;
  await contract?.check(method, pathname, response);
  return response;
};

/** null: it is no Signalbox, or was just killed. */
async function contractOf(origin: string): Promise<Contract | null> {
  const known = contracts.get(origin);
  if (known !== undefined) {
    return known;
  }
  const answer = await plain(`${origin}/openapi.json`).catch(() => null);
  if (answer?.status !== 200) {
    return null;
  }
  const contract = new Contract((await answer.json()) as OpenApi);
  contracts.set(origin, contract);
  return contract;
}
