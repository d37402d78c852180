// Where things stand on the inbox page: its parts and the conversation that is open.
export const root = document.querySelector("[data-inbox]");
export const list = root.querySelector("[data-list]");
export const panes = root.querySelector("[data-panes]");

export const me = document.querySelector('meta[name="live-scope"]')?.content ?? "";  // the organisation and the person

export const thread = () => panes.querySelector("[data-thread]");
export const log = () => panes.querySelector("[data-log]");
export const openId = () => thread()?.dataset.thread ?? "";
export const composer = () => panes.querySelector("[data-composer]");
export const box = () => composer()?.querySelector("textarea");
export const api = (rest) => `/api/v1/conversations/${openId()}/${rest}`;
