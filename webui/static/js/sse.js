// The data of server-sent events, read from a fetch: unlike EventSource it sends headers and sees the status.
const dataOf = (block) => block.split("\n").filter((line) => line.startsWith("data:")).map((line) => line.slice(5).trimStart()).join("\n");

/** Yields each event's data; `beat` is called for every sign of life. */
export async function* eventsOf(response, beat) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    beat();
    const blocks = (rest + value).replaceAll("\r\n", "\n").split("\n\n");
    rest = blocks.pop();
    for (const data of blocks.map(dataOf)) if (data) yield data;
  }
}
