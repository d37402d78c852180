"""What axe has against a page as it is shown now."""

from axe_playwright_python.base import AXE_SCRIPT

SERIOUS = {"critical", "serious"}
ALL_RULES = {"resultTypes": ["violations"]}  # all whose breach would count
OF_COLOURS = {**ALL_RULES, "runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}}
# What is never serious is not looked for; without an impact of its own a rule takes that of the check that fails.
RUN = """rules => {
  const { rules: known, tagExclude } = axe._audit;
  const usual = known.filter((rule) => rule.enabled && !rule.tags.some((tag) => tagExclude.includes(tag)));
  const counted = usual.filter((rule) => !['minor', 'moderate'].includes(rule.impact)).map((rule) => rule.id);
  return axe.run({ runOnly: counted, ...rules }).then(({ violations }) => violations);
}"""


def violations(page, rules=ALL_RULES):
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE_SCRIPT)
    found = page.evaluate(RUN, rules)
    return [
        f"{each['id']}: {node['html'][:160]} {node['any'][0]['message'] if node['any'] else ''}"
        for each in found
        if each["impact"] in SERIOUS
        for node in each["nodes"]
    ]
