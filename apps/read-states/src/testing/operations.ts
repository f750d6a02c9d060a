// Operations as specs say them, in the form in which they come off the wire.
import { OperationReader, OperationWriter } from '@guildhall/contracts';

/** Operations, read. */
export function operationsOf(write: (writer: OperationWriter) => void): OperationReader {
  const writer = new OperationWriter();
  write(writer);
  const reader = new OperationReader();
  const { count } = writer;
  reader.read(writer.take(), count);
  return reader;
}
