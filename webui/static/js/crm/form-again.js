// A form that came back is the answer to a POST: in the history it stands as the form itself, so that Back from the thanks opens it again.
const { again } = document.querySelector("form[data-again]").dataset;
history.replaceState(null, "", again);
