// Where this machine gets its Debian packages, pointed at another release. Pure: text in, text out.
// Whatever mirror, proxy and keys are configured stay as they are; only the suite changes.

/**
 * The first source of the suite `codename` among `files` (`{ name, text }`, from sources.list and
 * sources.list.d), rewritten to `suite`: `{ name, text }` of a source file, or undefined when there
 * is none. Security and update suites are not it, and neither are other vendors' sources.
 */
export function sourceFor(files, codename, suite) {
  for (const { name, text } of files) {
    const found = name.endsWith('.sources')
      ? stanzaFor(text, codename, suite)
      : lineFor(text, codename, suite);
    if (found !== undefined) {
      return { name: `guildhall${name.endsWith('.sources') ? '.sources' : '.list'}`, text: found };
    }
  }
  return undefined;
}

/** One-line style: `deb [options] uri suite component...`. */
function lineFor(text, codename, suite) {
  for (const line of text.split('\n')) {
    const found = /^\s*deb\s+(\[[^\]]*\]\s+)?(\S+)\s+(\S+)\s+([^#]*)/.exec(line);
    if (found === null) continue;
    const [, options = '', uri, of, components] = found;
    if (of !== codename || !components.split(/\s+/).includes('main')) continue;
    return `deb ${options.trim()}${options === '' ? '' : ' '}${uri} ${suite} main\n`;
  }
  return undefined;
}

/** deb822 style: stanzas of fields, a field may go on in indented lines. */
function stanzaFor(text, codename, suite) {
  const uncommented = text
    .split('\n')
    .filter((line) => !line.startsWith('#'))
    .join('\n');
  for (const stanza of uncommented.split(/\n\s*\n/)) {
    const fields = fieldsOf(stanza);
    const words = (field) => (fields.get(field) ?? '').split(/\s+/).filter(Boolean);
    if (words('enabled')[0] === 'no') continue;
    if (!words('types').includes('deb') || !words('suites').includes(codename)) continue;
    if (!words('components').includes('main')) continue;
    fields.set('types', 'deb').set('suites', suite).set('components', 'main');
    return `${[...fields].map(([name, value]) => `${name}: ${value}`).join('\n')}\n`;
  }
  return undefined;
}

function fieldsOf(stanza) {
  const fields = new Map();
  let last;
  for (const line of stanza.split('\n')) {
    if (/^\s+\S/.test(line) && last !== undefined) {
      fields.set(last, `${fields.get(last)}\n${line}`);
      continue;
    }
    const colon = line.indexOf(':');
    if (colon === -1) continue;
    last = line.slice(0, colon).trim().toLowerCase();
    fields.set(last, line.slice(colon + 1).trim());
  }
  return fields;
}
