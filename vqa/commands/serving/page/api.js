// Requests to the service; every error has the reason and a remedy.

const KEY = "vqa-token";

export class Refused extends Error {
  constructor(status, error, remedy, seconds) {
    super(error);
    Object.assign(this, { status, remedy, seconds });
  }
}

export const token = {
  get: () => sessionStorage.getItem(KEY) ?? "",
  set: (value) => sessionStorage.setItem(KEY, value),
};

function headers() {
  return token.get() ? { Authorization: `Bearer ${token.get()}` } : {};
}

function refused(status, text, retryAfter) {
  let told = {};
  try {
    told = JSON.parse(text);
  } catch {
    // Not of the service: a proxy, for example.
  }
  const seconds = Number(retryAfter) || 0;
  return new Refused(status, told.error ?? `the server answered ${status}`, told.remedy ?? "try again", seconds);
}

async function answered(path, options = {}) {
  let answer;
  try {
    answer = await fetch(path, { ...options, headers: { ...headers(), ...options.headers } });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refused(0, "the service cannot be reached", "it is tried again");
  }
  if (!answer.ok) {
    throw refused(answer.status, await answer.text(), answer.headers.get("Retry-After"));
  }
  return answer;
}

export async function model() {
  return (await answered("v1/model")).json();
}

export async function job(id, { wait = 0, state, signal } = {}) {
  const query = wait ? `?wait=${wait}&state=${state}` : "";
  return (await answered(`v1/jobs/${encodeURIComponent(id)}${query}`, { signal })).json();
}

export async function cancel(id) {
  await answered(`v1/jobs/${encodeURIComponent(id)}`, { method: "DELETE" });
}

export async function picture(url) {
  return URL.createObjectURL(await (await answered(url.replace(/^\//, ""))).blob());
}

export async function sendAddress(url) {
  const options = {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ url }),
  };
  return (await answered("v1/jobs", options)).json();
}

// XMLHttpRequest, because fetch tells nothing about how much has been sent.
export function sendFile(file, { progress, signal }) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const body = new FormData();
    body.append("file", file, file.name);
    request.open("POST", "v1/jobs");
    for (const [name, value] of Object.entries(headers())) request.setRequestHeader(name, value);
    request.upload.onprogress = (event) => progress(event.loaded, event.lengthComputable ? event.total : null);
    request.onerror = () => reject(new Refused(0, "the service cannot be reached", "it is tried again"));
    request.onabort = () => reject(new DOMException("cancelled", "AbortError"));
    request.onload = () => {
      if (request.status === 202) resolve(JSON.parse(request.responseText));
      else reject(refused(request.status, request.responseText, request.getResponseHeader("Retry-After")));
    };
    signal.addEventListener("abort", () => request.abort());
    request.send(body);
  });
}
