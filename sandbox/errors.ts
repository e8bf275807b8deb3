/** The Pages API's error answers. */
export class ApiError extends Error {
  readonly status: number;
  readonly code: number;

  constructor(status: number, code: number, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

// Codes and texts known from public sources.
export const unknownError = (status = 500): ApiError =>
  new ApiError(
    status,
    8000000,
    "An unknown error occurred. Contact your account team or Cloudflare support: https://cfl.re/3WgEyrH.",
  );
export const projectExists = (): ApiError =>
  new ApiError(
    409,
    8000002,
    "A project with this name already exists. Choose a different project name.",
  );
export const projectNotFound = (): ApiError =>
  new ApiError(
    404,
    8000007,
    "Project not found. The specified project name does not match any of your existing projects.",
  );
export const unauthorizedUpload = (): ApiError =>
  new ApiError(403, 8000013, "Authorization failed");
export const badListOptions = (): ApiError =>
  new ApiError(
    400,
    8000024,
    "Invalid list options provided. Review the `page` or `per_page` parameter.",
  );
export const aliased = (): ApiError =>
  new ApiError(
    400,
    8000035,
    "You cannot delete an aliased deployment without a `?force=true` parameter in the API request URL.",
  );
export const manifestExpected = (): ApiError =>
  new ApiError(
    400,
    8000096,
    'A "manifest" field was expected in the request body but was not provided.',
  );
export const unauthenticated = (status = 401): ApiError =>
  new ApiError(status, 10000, "Authentication error");
export const rateLimited = (): ApiError =>
  new ApiError(429, 10000, "Rate limited. Please wait and consider throttling your request speed");
export const noRoute = (path: string): ApiError =>
  new ApiError(404, 7003, `Could not route to ${path}, perhaps your object identifier is invalid?`);

// No public source names what Cloudflare says here: codes and texts are the sandbox's own.
export const deploymentNotFound = (): ApiError =>
  new ApiError(404, 8000009, "Deployment not found. The specified deployment does not exist.");
export const activeProduction = (): ApiError =>
  new ApiError(400, 8000034, "You cannot delete the active production deployment of a project.");
export const notRollbackTarget = (): ApiError =>
  new ApiError(400, 8000039, "Only a successful production deployment can be rolled back to.");
export const serverError = (status = 500): ApiError =>
  new ApiError(status, 10001, "Internal server error");
export const badRequest = (message: string): ApiError => new ApiError(400, 8000010, message);
export const tooLarge = (message: string): ApiError => new ApiError(413, 8000011, message);

/** The body of an error answer; an authentication error has neither `result` nor `messages`. */
export function errorBody(error: ApiError): object {
  const errors = [{ code: error.code, message: error.message }];
  return error.code === 10000 && error.status !== 429
    ? { success: false, errors }
    : { result: null, success: false, errors, messages: [] };
}
