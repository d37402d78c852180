/* The tests of a condition follow its field here and now: asked of the box, the answer would replace what is typed meanwhile. */

const form = document.querySelector("[data-tests]");
const tests = JSON.parse(form.dataset.tests);
const lists = { tag: "segment-tags", consent: "segment-purposes" };

form.addEventListener("change", (event) => {
  const row = event.target.closest("[data-row]");
  if (row && event.target.matches("select")) follow(row, event.target.matches("[data-field]"));
});

function follow(row, isOther) {
  const [field, test, value] = ["[data-field]", "[data-test]", "[data-value]"].map((part) => row.querySelector(part));
  const allowed = tests[field.value];
  for (const option of test.options) option.hidden = option.disabled = !allowed.includes(option.value);
  if (!allowed.includes(test.value)) test.value = allowed[0];
  value.hidden = test.value.startsWith("is_");
  value.type = test.value.endsWith("_days") ? "number" : "text";
  if (!isOther) return;
  value.value = "";
  if (lists[field.value]) value.setAttribute("list", lists[field.value]);
  else value.removeAttribute("list");
}
