// What is done with the open conversation at one go: a macro, putting it aside. Both can be undone.
import { refreshList } from "./list.js";
import { api, openId } from "./place.js";
import { refreshState } from "./state.js";
import { fetchNew } from "./thread.js";
import { _, datetime } from "../i18n.js";
import { request } from "../request.js";
import { failed, toast } from "../toast.js";

const changed = () => Promise.all([refreshState(), refreshList()]);

function undoWith(conversation, before) {
  return { action: { label: _("Undo"), run: () => request(`/api/v1/conversations/${conversation}/state`, { method: "PUT", body: before }).then(changed, failed) } };
}

export async function runMacro(id) {
  const conversation = openId();
  try {
    const { before, replied } = await request(api(`macros/${id}`), { method: "POST" });
    toast(replied ? _("Done. What was said stays said.") : _("Done."), undoWith(conversation, before));
    await Promise.all([changed(), fetchNew()]);
  } catch (error) {
    failed(error);
  }
}

/** `until`: a moment, or "" for until the customer writes. */
export async function snooze(until) {
  const conversation = openId();
  try {
    const now = await request(`/api/v1/conversations/${conversation}`);
    const { labels, assignee_id, handling, status, snoozed_until } = now;
    await request(`/api/v1/conversations/${conversation}/snooze`, { method: "POST", body: { until: until || null } });
    const said = until ? _("Put aside until %(moment)s.", { moment: datetime(until) }) : _("Put aside until the customer writes.");
    toast(said, undoWith(conversation, { labels, assignee_id, handling, status, snoozed_until }));
    await changed();
  } catch (error) {
    failed(error);
  }
}
