/** One tab at a time. Browsers have locks under HTTPS and on the machine itself only; elsewhere each tab acts for itself. */
export const underLock = (name, run) => (navigator.locks ? navigator.locks.request(name, run) : run());
