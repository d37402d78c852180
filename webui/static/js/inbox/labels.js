// Labels of the open conversation. The API takes the whole list.
import { request } from "../request.js";

const given = (panes) => [...panes.querySelectorAll("[data-label]")].map((node) => node.dataset.label);
const put = (url, labels) => request(url, { method: "PUT", body: { labels } });

export async function label(panes, url, form) {
  const field = form.elements.label;
  const text = field.value.trim();
  if (!text) return;
  await put(url, [...given(panes), text]);
  form.reset();
  field.blur();  // the pane is not drawn again under somebody's fingers
}

export async function unlabel(panes, url, button) {
  const gone = button.closest("[data-label]").dataset.label;
  await put(url, given(panes).filter((name) => name !== gone));
  button.blur();
}
