// What PostgreSQL says, in the fleet's words. The question that matters to a caller is whether
// asking again may help, and after a COMMIT whether it happened.
// https://www.postgresql.org/docs/18/errcodes-appendix.html
import { Bug, Fault, FaultCode } from '@guildhall/fault';
import { DatabaseError } from 'pg';

const UNIQUE_VIOLATION = '23505';

/**
 * A unique constraint said no. An ordinary outcome if expected, so ask {@link isUniqueViolation}.
 */
export class UniqueViolation extends Fault {
  readonly constraint: string;

  constructor(constraint: string, cause: unknown) {
    super(FaultCode.Internal, `unique constraint ${constraint} violated`, { cause });
    this.constraint = constraint;
  }
}

/**
 * The connection was lost between asking for COMMIT and its answer: the transaction may or may not
 * be on disk. Code `unavailable`, but repeat the work only if it is safe to happen twice, or after
 * reading back whether it did.
 */
export class CommitUnknown extends Fault {
  readonly commitUnknown = true;

  constructor(cause: unknown) {
    super(FaultCode.Unavailable, 'connection lost during COMMIT: outcome unknown', { cause });
  }
}

/** Whether that unique constraint said no; any, when none is named. */
export function isUniqueViolation(error: unknown, constraint?: string): error is UniqueViolation {
  return (
    error instanceof UniqueViolation &&
    (constraint === undefined || error.constraint === constraint)
  );
}

/** Whether a transaction rejected without anyone knowing if it was committed. */
export function isCommitUnknown(error: unknown): error is CommitUnknown {
  return error instanceof CommitUnknown;
}

/** The Fault for what a statement or a connection attempt rejected with. A Bug is thrown onward. */
export function toStoreFault(error: unknown): Fault {
  if (error instanceof Fault) return error;
  if (error instanceof Bug) throw error;
  if (!(error instanceof DatabaseError)) return connectionFault(error);
  const sqlState = error.code ?? '';
  if (sqlState === UNIQUE_VIOLATION) return new UniqueViolation(error.constraint ?? '', error);
  const code = codeOf(sqlState);
  return new Fault(code, `database: ${sqlState} ${nameOf(code)}`, { cause: error });
}

/** Whether the server answered and the connection is still good. */
export function isServerAnswer(error: unknown): boolean {
  return error instanceof DatabaseError && error.severity === 'ERROR';
}

function codeOf(sqlState: string): FaultCode {
  switch (sqlState) {
    case '57014': // query_canceled: the statement timeout
      return FaultCode.Timeout;
    case '25006': // read_only_sql_transaction: a standby, or a primary that stepped down
    case '40001': // serialization_failure
    case '40P01': // deadlock_detected
    case '55P03': // lock_not_available
    case '57P01': // admin_shutdown
    case '57P02': // crash_shutdown
    case '57P03': // cannot_connect_now: starting up, shutting down
    case '57P05': // idle_session_timeout
    case '25P03': // idle_in_transaction_session_timeout
      return FaultCode.Unavailable;
    default:
      break;
  }
  // 08 connection exception, 53 insufficient resources: too many connections, disk full, memory
  return sqlState.startsWith('08') || sqlState.startsWith('53')
    ? FaultCode.Unavailable
    : FaultCode.Internal;
}

function nameOf(code: FaultCode): string {
  return code === FaultCode.Internal ? 'refused the statement' : code;
}

/**
 * All that is left is the road to the server: refused, reset, closed, no answer in time. Mistakes
 * of ours that never leave the process (a value that cannot be encoded) are TypeErrors.
 */
function connectionFault(error: unknown): Fault {
  if (error instanceof TypeError || error instanceof RangeError) return Fault.from(error);
  return new Fault(FaultCode.Unavailable, 'database: no connection', { cause: error });
}
