import { useEffect, type ReactNode } from "react";
import { useNavigate } from "@tanstack/react-router";
import Button from "@cloudscape-design/components/button";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Wizard from "@cloudscape-design/components/wizard";
import { useSession } from "../../api/client";
import type { CatalogItem } from "../../api/types";
import { ProblemAlert } from "../../ui/ProblemAlert";
import { formatMoney } from "../../ui/money";
import { usePageTitle } from "../../ui/page-name";
import { availabilityText, useCatalog } from "../product/catalog-data";
import type { check, LaunchForm } from "./launch-form";
import { chosenOf, HardwareSection, useDefaultHardware } from "./launch-hardware";
import { useKept } from "./launch-kept";
import { KeptLine, OfferedDraft } from "./launch-kept-line";
import { NetworkSection } from "./launch-network";
import { LaunchPanel } from "./launch-panel";
import { ReviewSection, useNames } from "./launch-review";
import { SameElsewhere } from "./launch-same";
import { KeySection, NameSection, VolumeSection } from "./launch-sections";
import { indexOf, stepOfProblem, STEPS, type Step } from "./launch-steps";
import { useLaunchForm } from "./use-launch-form";
import { useWalk } from "./use-walk";

export interface SectionProps {
  form: LaunchForm; set: (change: Partial<LaunchForm>) => void;
  wrong: ReturnType<typeof check>; problem: unknown;
}

export function Page() {
  usePageTitle("Launch");
  useEffect(preloadNextPage, []);
  const session = useSession();
  const navigate = useNavigate();
  const { form, set, restore, restart } = useLaunchForm();
  const kept = useKept(form, restore, session);
  const catalog = useCatalog();
  const item = chosenOf(catalog.data ?? [], form);
  useDefaultHardware(catalog.data ?? [], form, set);
  const walk = useWalk(form, set, kept);
  const names = useNames(form, session);
  const section = { form, set: walk.change, wrong: walk.wrong, problem: walk.problem, session };
  const sections: Record<Step, ReactNode> = {
    hardware: <HardwareSection {...section} catalog={catalog} />,
    access: <SpaceBetween size="l"><NameSection {...section} /><KeySection {...section} /></SpaceBetween>,
    storage: <VolumeSection {...section} />,
    network: <NetworkSection {...section} />,
    review: <ReviewSection form={form} item={item} names={names} onEdit={walk.goTo} />,
  };
  const startOver = () => { walk.forget(); restart(); void kept.forget(); };
  const side = <LaunchPanel form={form} item={item} session={session} kept={kept.state === "nothing" ? null : <KeptLine state={kept.state} onStartOver={startOver} />} />;
  return (
    <SpaceBetween size="m">
      {kept.offered && <OfferedDraft draft={kept.offered} onTake={kept.take} onDismiss={kept.dismiss} />}
      <Wizard
        activeStepIndex={indexOf(form.step)} i18nStrings={WORDS} isLoadingNextStep={walk.busy || catalog.isPending}
        submitButtonText={session.authenticated ? "Launch" : "Sign in and launch"}
        onNavigate={({ detail }) => walk.navigate(STEPS[detail.requestedStepIndex] ?? "review", detail.reason)}
        onSubmit={walk.submit}
        onCancel={() => void navigate({ to: (session.authenticated ? "/home" : "/catalog") as never })}
        secondaryActions={form.step === "review" ? undefined : <Button loading={catalog.isPending} onClick={() => walk.navigate("review", "skip")}>Skip to review</Button>}
        steps={STEPS.map((step) => ({
          title: TITLES[step], description: step === "hardware" ? DESCRIPTION : lineOf(item),
          content: (
            <div className="launch-step"><div className="launch-grid">
              <SpaceBetween size="l">
                {walk.problem && stepOfProblem(walk.problem) === step ? <ProblemAlert error={walk.problem} doing="Not launched" /> : null}
                {sections[step]}
                <SameElsewhere form={form} names={names} />
              </SpaceBetween>
              <div className="launch-side">{side}</div>
            </div></div>
          ),
        }))}
      />
    </SpaceBetween>
  );
}

const TITLES: Record<Step, string> = { hardware: "Hardware", access: "Access", storage: "Storage", network: "Network", review: "Review and launch" };
const DESCRIPTION = "Launch a machine: what to run, how you get in, what it costs. Nothing is charged until it runs.";
const WORDS = {
  stepNumberLabel: (number: number) => `Step ${number}`, collapsedStepsLabel: (number: number, count: number) => `Step ${number} of ${count}`,
  navigationAriaLabel: "Steps of the launch", cancelButton: "Finish later", previousButton: "Back", nextButton: "Next", optional: "optional",
  submitButtonLoadingAnnouncement: "Launching",
};

/** What was chosen, on every later step: also where the panel is far below. */
const lineOf = (item: CatalogItem | undefined) =>
  item && `${item.name} in ${item.region_id}, ${formatMoney(item.price)} per hour, ${availabilityText(item)}.`;

/** The page that comes after a launch is fetched before it is needed: the first seconds are the interesting ones. */
const preloadNextPage = () => void import("./allocation");
