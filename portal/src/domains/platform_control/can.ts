import type { Certificate, DeadLetter, Delivery } from "../../api/types";
import { no, yes, type Can } from "../../ui/Can";

export function canReplay(letter: Pick<DeadLetter, "state">): Can {
  if (letter.state === "replayed") return no("It was replayed already. If it failed again, it is listed again.");
  return yes;
}

export function canReplayKind(letters: Pick<DeadLetter, "state">[]): Can {
  if (letters.length !== 1) return no("Select one of the kind in the list first.");
  return yes;
}

export function canReplayDelivery(delivery: Pick<Delivery, "state">): Can {
  if (delivery.state === "delivered") return no("It was received.");
  if (delivery.state === "waiting") return no("It is tried again by itself.");
  return yes;
}

export function canRevoke(certificates: Pick<Certificate, "state">[]): Can {
  if (certificates.length !== 1) return no("Select one certificate in the list first.");
  if (certificates[0]?.state !== "valid") return no("Only a valid certificate can be revoked.");
  return yes;
}
