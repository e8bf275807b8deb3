import { app } from "../../../src/app.ts";
import { documentOf } from "../../../src/api/document.ts";
import { Contract, type OpenApi } from "../../support/contract.ts";

/** Before each test file, which may share a runtime with the ones before: whatever the Worker answers is held against its document. */
const held = globalThis as { answersAreChecked?: true };
if (held.answersAreChecked === undefined) {
  held.answersAreChecked = true;
  const answer = app.fetch;
  let contract: Contract | undefined;
  app.fetch = async (request, ...rest) => {
    const response = await answer(request, ...rest);
    contract ??= new Contract(JSON.parse(JSON.stringify(documentOf(app))) as OpenApi);
    await contract.check(request.method, new URL(request.url).pathname, response);
    return response;
  };
}
