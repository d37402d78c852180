// What could not be sent outlives the page. The key makes a second try the same message, should the first have arrived.
import { me } from "./place.js";

const WAITS_FOR = 4 * 3_600_000;  // what is older is for whoever wrote it to send: the talk has gone on
const AWAY = [0, 401, 502, 503, 504];  // nobody was there to refuse it
const PLACE = "unsent:";
const place = (conversation) => PLACE + conversation;
const whole = new Map();  // key -> the job with its file, as long as the page lives

const stored = (conversation) => JSON.parse(localStorage.getItem(place(conversation)) ?? "[]");
const others = ({ conversation, key }) => stored(conversation).filter((job) => job.key !== key);

/** What who is signed in wrote, in that order. */
export const unsent = (conversation) => stored(conversation).filter((job) => job.by === me).map((job) => whole.get(job.key) ?? { ...job, conversation }).sort((one, other) => (one.at ?? 0) - (other.at ?? 0));

/** A file that never reached the box went with the page: it is chosen anew. */
export const isWhole = (job) => !job.file || Boolean(job.media) || job.file instanceof File;

/** Whether it goes by itself, as it does while it is fresh. */
export const waits = (job) => AWAY.includes(job.status) && Date.now() - job.at < WAITS_FOR && isWhole(job);

export const waiting = (conversation) => unsent(conversation).filter(waits);
export const waitingPlaces = () => Object.keys(localStorage).filter((key) => key.startsWith(PLACE)).map((key) => key.slice(PLACE.length)).filter((conversation) => waiting(conversation).length);

export function keepUnsent(job) {
  job.by = me;
  whole.set(job.key, job);
  const { text, body, path, quoted, mode, key, media, why, status, by, at } = job;
  const file = job.file && { name: job.file.name };
  localStorage.setItem(place(job.conversation), JSON.stringify([...others(job), { text, body, path, quoted, mode, key, media, why, status, by, at, file }]));
}

export function forgetUnsent(job) {
  whole.delete(job.key);
  const left = others(job);
  if (left.length) localStorage.setItem(place(job.conversation), JSON.stringify(left));
  else localStorage.removeItem(place(job.conversation));
}
