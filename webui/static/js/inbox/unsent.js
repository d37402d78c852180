// What could not be sent outlives the page. The key makes a second try the same message, should the first have arrived.
const MOST_KEPT = 20;
const place = (conversation) => `unsent:${conversation}`;

export const unsent = (conversation) => JSON.parse(localStorage.getItem(place(conversation)) ?? "[]");

const others = ({ conversation, key }) => unsent(conversation).filter((job) => job.key !== key);

export function keepUnsent(job) {
  if (!job.text) return;
  const { text, body, mode, key } = job;
  localStorage.setItem(place(job.conversation), JSON.stringify([...others(job), { text, body, mode, key }].slice(-MOST_KEPT)));
}

export function forgetUnsent(job) {
  const left = others(job);
  if (left.length) localStorage.setItem(place(job.conversation), JSON.stringify(left));
  else localStorage.removeItem(place(job.conversation));
}
