import type { ComponentType } from "react";
import { renderToString } from "react-dom/server";
import { QueryClientProvider } from "@tanstack/react-query";
import { queryClient } from "./api/client";
import { Page as Models } from "./domains/app_platform/models";
import { Page as Pricing } from "./domains/billing/pricing";
import { Page as SignIn } from "./domains/iam/signin";
import { Page as Regions } from "./domains/platform_control/regions";
import { Page as Catalog } from "./domains/product/catalog";
import { Page as Landing } from "./domains/product/landing";
import { PublicLayout } from "./shell/PublicLayout";

interface PublicPage { file: string; source: string; title: string; description: string; component: ComponentType }

/** The pages that are there before any script runs. `source` is the module whose stylesheets the page needs. */
export const pages: PublicPage[] = [
  { file: "index", source: "src/domains/product/landing.tsx", title: "AI Factory: a GPU cloud that shows its work", description: "Live GPU prices, launch on a real node, and a bill you can check to the second.", component: Landing },
  { file: "catalog", source: "src/domains/product/catalog.tsx", title: "Catalogue · AI Factory", description: "What can be launched now, what it costs, and how tenants are kept apart on it.", component: Catalog },
  { file: "models", source: "src/domains/app_platform/models.tsx", title: "Models · AI Factory", description: "Models behind an OpenAI-compatible address, priced for a million tokens, with code to call them.", component: Models },
  { file: "pricing", source: "src/domains/billing/pricing.tsx", title: "Pricing · AI Factory", description: "Prices per hour, billed by the second, and how an amount is worked out.", component: Pricing },
  { file: "regions", source: "src/domains/platform_control/regions.tsx", title: "Regions · AI Factory", description: "The regions, their hardware, currency and country.", component: Regions },
  { file: "signin", source: "src/domains/iam/signin.tsx", title: "Sign in · AI Factory", description: "Sign in with your organisation's identity provider.", component: SignIn },
];

export function render({ component: Component }: PublicPage): string {
  return renderToString(
    <QueryClientProvider client={queryClient}>
      <PublicLayout><Component /></PublicLayout>
    </QueryClientProvider>,
  );
}
