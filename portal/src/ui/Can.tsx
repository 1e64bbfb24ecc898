import Button, { type ButtonProps } from "@cloudscape-design/components/button";

/** Whether an action is possible now; if not, why not and what would make it possible. */
export type Can = { yes: true } | { yes: false; because: string };
export const yes: Can = { yes: true };
export const no = (because: string): Can => ({ yes: false, because });

/** A button that is never greyed out without saying why. */
export function CanButton({ can, ...button }: { can: Can } & ButtonProps) {
  return <Button {...button} disabled={!can.yes} disabledReason={can.yes ? undefined : can.because} />;
}

/** Whether something can be done to at least one of what is selected; what cannot be is left out, with its reason. */
export function canAny<T>(selected: T[], can: (item: T) => Can, noun: string): Can {
  if (selected.length === 0) return no(`Select at least one ${noun} in the list first.`);
  const answers = selected.map(can);
  return answers.find((answer) => answer.yes) ?? answers[0] ?? yes;
}
