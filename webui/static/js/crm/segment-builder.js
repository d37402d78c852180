/* The tests of a condition follow its field here and now: asked of the box, the answer would replace what is typed meanwhile. */

const form = document.querySelector("[data-tests]");
const tests = JSON.parse(form.dataset.tests);

form.addEventListener("change", (event) => {
  const row = event.target.closest("[data-row]");
  if (row && event.target.matches("[data-field], [data-test]")) follow(row, event.target.matches("[data-field]"));
});

function follow(row, isOther) {
  const [field, test, value, key] = ["[data-field]", "[data-test]", "[data-value]", "[data-key]"].map((part) => row.querySelector(part));
  const allowed = tests[field.value];
  for (const option of test.options) option.hidden = option.disabled = !allowed.includes(option.value);
  if (!allowed.includes(test.value)) test.value = allowed[0];
  value.hidden = test.value.startsWith("is_");
  const named = JSON.parse(key.dataset.key)[field.value];
  key.hidden = !named || (field.value === "event" && !test.value.endsWith("_days"));
  if (isOther) key.value = "";
  key.placeholder = named ?? "";
  key.setAttribute("aria-label", named ?? "");
  if (isOther) value.replaceChildren(boxFor(field.value, value.querySelector("[name]")));
  if (!value.querySelector("select")) value.querySelector("[name]").type = test.value.endsWith("_days") ? "number" : "text";
}

/* Text is typed, a person or a happening is chosen: each kind of field brings its own box. */
function boxFor(field, before) {
  const source = form.querySelector(`template[data-box="${field}"]`) ?? form.querySelector('template[data-box=""]');
  const box = source.content.firstElementChild.cloneNode(true);
  const named = box.matches("[name]") ? box : box.querySelector("[name]");
  [named.id, named.name] = [before.id, before.name];
  return box;
}
