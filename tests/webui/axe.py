"""What axe has against a page as it is shown now."""

from axe_playwright_python.base import AXE_SCRIPT

SERIOUS = {"critical", "serious"}
ALL_RULES = {"resultTypes": ["violations"]}
OF_COLOURS = {**ALL_RULES, "runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}}


def violations(page, rules=ALL_RULES):
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE_SCRIPT)
    found = page.evaluate("rules => axe.run(rules).then(({ violations }) => violations)", rules)
    return [
        f"{each['id']}: {node['html'][:160]} {node['any'][0]['message'] if node['any'] else ''}"
        for each in found
        if each["impact"] in SERIOUS
        for node in each["nodes"]
    ]
