import { queryClient } from "../api/client";
import { answer, api } from "../api/http";

/** Ends the session on the server and leaves nothing of it in this page. */
export async function signOut() {
  await answer<unknown>(api.POST("/api/v3/auth/logout")).catch(() => undefined);
  queryClient.clear();
  location.assign("/");
}
