/** What a topic can be. The number is stored. */
export const TopicKind = { Guild: 1, PrivateChannel: 2, User: 3 } as const;
export type TopicKind = (typeof TopicKind)[keyof typeof TopicKind];
