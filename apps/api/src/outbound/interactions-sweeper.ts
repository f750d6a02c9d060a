// Deletes in the background what nobody can answer or change any more: interactions whose time is
// over, ephemeral messages that are old, and the files of those. Every instance does it; the rows
// are the same for all.
import type { Clock, Timer } from '@guildhall/clock';
import type { Files } from '../domain/ports.js';
import type { InteractionsStore, SweptMessage } from './interactions-store.js';

export interface InteractionsSweeperOptions {
  readonly interactions: InteractionsStore;
  readonly files: Files;
  readonly clock: Clock;
  readonly intervalMs: number;
  readonly interactionTtlMs: number;
  readonly ephemeralTtlMs: number;
  /** Rows of each kind in one go. */
  readonly batchMax: number;
  readonly failed: (reason: unknown) => void;
}

export class InteractionsSweeper {
  readonly #options: InteractionsSweeperOptions;
  #timer: Timer | undefined;
  #sweeping: Promise<void> | undefined;

  constructor(options: InteractionsSweeperOptions) {
    this.#options = options;
  }

  start(): void {
    const { clock, intervalMs, failed } = this.#options;
    this.#timer = clock.every(intervalMs, () => {
      this.#sweeping ??= this.sweep()
        .catch(failed)
        .finally(() => (this.#sweeping = undefined));
    });
  }

  /** Resolves when the sweep under way is over. */
  async stop(): Promise<void> {
    this.#timer?.cancel();
    await this.#sweeping;
  }

  /** One batch of each. */
  async sweep(): Promise<void> {
    const { interactions, files, clock, batchMax } = this.#options;
    const nowMs = clock.nowMs();
    const swept = await interactions.sweep({
      interactionsBeforeMs: nowMs - this.#options.interactionTtlMs,
      messagesBeforeMs: nowMs - this.#options.ephemeralTtlMs,
      max: batchMax,
    });
    for (const message of swept) {
      for (const id of attachmentIds(message)) await files.dropAttachment(message.channelId, id);
    }
  }
}

function attachmentIds({ json }: SweptMessage): bigint[] {
  const { attachments = [] } = JSON.parse(json) as { attachments?: { id: string }[] };
  return attachments.map(({ id }) => BigInt(id));
}
