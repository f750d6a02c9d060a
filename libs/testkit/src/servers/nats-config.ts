// The configuration of a nats-server for one machine, as text. Pure, so that a spec can read it.

/** One login, and the subjects it may use; everything else is refused by the server. */
export interface NatsUser {
  readonly name: string;
  readonly password: string;
  /** Subjects (wildcards allowed) it may publish to. */
  readonly publish: readonly string[];
  /** Subjects (wildcards allowed) it may subscribe to. */
  readonly subscribe: readonly string[];
}

export interface NatsConfig {
  readonly port: number;
  /** Where streams kept on disk live. */
  readonly storeDir: string;
  /** When given and not empty, a client must log in as one of these. */
  readonly users?: readonly NatsUser[];
  /** Lines in the server's own syntax, added at the end. */
  readonly extraConfig?: string;
}

/** The text of the file. Strings are quoted the way the server's parser and JSON share. */
export function natsConfig(config: NatsConfig): string {
  const lines = [
    `listen: ${JSON.stringify(`127.0.0.1:${config.port}`)}`,
    'max_payload: 8MB',
    'max_pending: 256MB',
    'jetstream {',
    `  store_dir: ${JSON.stringify(config.storeDir)}`,
    '  max_memory_store: 2GB',
    '  max_file_store: 16GB',
    '}',
  ];
  if (config.users !== undefined && config.users.length > 0) {
    lines.push('authorization {', '  users: [', ...config.users.map(natsUser), '  ]', '}');
  }
  if (config.extraConfig !== undefined) lines.push(config.extraConfig);
  return `${lines.join('\n')}\n`;
}

/** The URL a user connects with. */
export function natsUserUrl(user: NatsUser, port: number): string {
  const login = `${encodeURIComponent(user.name)}:${encodeURIComponent(user.password)}`;
  return `nats://${login}@127.0.0.1:${port}`;
}

function natsUser(user: NatsUser): string {
  const allow = (subjects: readonly string[]): string => `{ allow: ${JSON.stringify(subjects)} }`;
  // `allow_responses`: whoever is asked may answer, wherever the asker listens for the answer.
  return [
    `    { user: ${JSON.stringify(user.name)}, password: ${JSON.stringify(user.password)},`,
    `      permissions: { publish: ${allow(user.publish)}, subscribe: ${allow(user.subscribe)},`,
    `        allow_responses: { max: -1, expires: "60s" } } }`,
  ].join('\n');
}
