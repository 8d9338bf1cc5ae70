// Requests to our own server: JSON in and out, the CSRF header on everything that writes, problem documents as errors.
import { translator } from "./language.js";

const t = translator({
  offline: ["服务器没有应答。您的改动仍在本页，请稍后再试。", "The server did not answer. Your changes are still on this page; try again in a moment."],
  failed: ["请求失败（{status}）。您的改动仍在本页。", "The request failed ({status}). Your changes are still on this page."],
  login: ["登录已过期。请在另一个标签页登录后再试，您的改动仍在本页。", "You were signed out. Sign in in another tab and try again; your changes are still on this page."],
});

export const csrfToken = () => document.querySelector('meta[name="csrf-token"]')?.content ?? "";

/** The server refused or could not be reached; `message` is for people, `problems` may name diagram elements. */
export class RequestFailed extends Error {
  constructor(message, status = 0, problems = []) {
    super(message);
    this.status = status;
    this.problems = problems;
  }
}

export async function getText(url) {
  return (await send(url, { headers: { Accept: "application/xml, text/xml" } })).text();
}

export async function getJson(url, signal) {
  return (await send(url, { headers: { Accept: "application/json" }, signal })).json();
}

/** Sends `body` as JSON; gives the answer's JSON, or null for an empty answer. */
export async function sendJson(method, url, body, options = {}) {
  const headers = { Accept: "application/json, application/problem+json", "X-CSRF-Token": csrfToken() };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  const answer = await send(url, { method, headers, body: body === undefined ? undefined : JSON.stringify(body), ...options });
  return answer.status === 204 ? null : answer.json();
}

async function send(url, options) {
  let answer;
  try {
    answer = await fetch(url, { credentials: "same-origin", ...options });
  } catch (cause) {
    if (cause.name === "AbortError") throw cause;
    throw new RequestFailed(t("offline"));
  }
  const wantsJson = (options.headers?.Accept ?? "").includes("json");
  const type = answer.headers.get("Content-Type") ?? "";
  // A page instead of data means that the session ended and we were led to the login page.
  if (answer.status === 401 || (answer.ok && answer.redirected && type.includes("text/html"))) throw new RequestFailed(t("login"), 401);
  if (!answer.ok) throw await failure(answer, type);
  if (wantsJson && answer.status !== 204 && !type.includes("json")) throw new RequestFailed(t("failed", { status: answer.status }), answer.status);
  return answer;
}

async function failure(answer, type) {
  if (type.includes("json")) {
    const problem = await answer.json().catch(() => ({}));
    const message = problem.detail || problem.title || problem.message;
    return new RequestFailed(message || t("failed", { status: answer.status }), answer.status, problem.problems ?? []);
  }
  return new RequestFailed(t("failed", { status: answer.status }), answer.status);
}
