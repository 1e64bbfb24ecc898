import { useEffect, useState, type ReactNode } from "react";
import { Outlet, useRouterState } from "@tanstack/react-router";
import AppLayoutToolbar, { type AppLayoutToolbarProps as AppLayoutProps } from "@cloudscape-design/components/app-layout-toolbar";
import BreadcrumbGroup from "@cloudscape-design/components/breadcrumb-group";
import { I18nProvider } from "@cloudscape-design/components/i18n";
import messages from "@cloudscape-design/components/i18n/messages/all.en";
import SideNavigation from "@cloudscape-design/components/side-navigation";
import { readChoice, useSession, writeChoice } from "../api/client";
import { usePageName } from "../ui/page-name";
import { hasNews } from "./happened/feed";
import { Happened, useHappened } from "./happened/Happened";
import { Notices, NoticesProvider } from "./notices";
import { activeHref, crumbsOf, navigationItems } from "./navigation";
import { PaletteKey } from "./palette/PaletteKey";
import { ScopeProvider } from "./scope";
import { TopBar } from "./TopBar";
import "./app.css";

const WIDE_ENOUGH_FOR_NAVIGATION = "(min-width: 900px)";

/** The frame around every page of the console. */
export default function AppShell({ children }: { children?: ReactNode }) {
  return (
    <I18nProvider locale="en" messages={[messages]}>
      <ScopeProvider>
        <NoticesProvider>
          <a className="skip-link" href="#content">Skip to the page</a>
          <TopBar />
          <PaletteKey />
          <Frame>{children ?? <Outlet />}</Frame>
        </NoticesProvider>
      </ScopeProvider>
    </I18nProvider>
  );
}

function Frame({ children }: { children: ReactNode }) {
  const session = useSession();
  const pathname = useRouterState({ select: (state) => state.location.pathname });
  const [open, setOpen] = useState(() => matchMedia(WIDE_ENOUGH_FOR_NAVIGATION).matches);
  useEffect(() => {
    if (!matchMedia(WIDE_ENOUGH_FOR_NAVIGATION).matches) setOpen(false);
  }, [pathname]);
  const crumbs = crumbsOf(pathname, session.authenticated, usePageName(pathname));
  const bell = useBell();
  return (
    <AppLayoutToolbar
      headerSelector="#top-bar"
      toolsHide
      {...(session.authenticated ? bell : {})}
      navigationOpen={open}
      onNavigationChange={({ detail }) => setOpen(detail.open)}
      navigationWidth={240}
      ariaLabels={{
        navigation: "Side navigation", navigationToggle: "Open side navigation", navigationClose: "Close side navigation",
        notifications: "Notifications",
      }}
      navigation={
        <SideNavigation
          header={{ text: session.tenant?.name ?? (session.operator ? "Operator" : "AI Factory"), href: session.tenant ? "/home" : session.operator ? "/admin" : "/" }}
          items={navigationItems(session)}
          activeHref={activeHref(pathname)}
        />
      }
      breadcrumbs={<BreadcrumbGroup items={crumbs} ariaLabel="Where you are" />}
      notifications={<Notices />}
      content={<div id="content" className="console">{children}</div>}
    />
  );
}

const SEEN = "aifactory.happened-seen";

/** The bell in the toolbar, and the drawer that it opens. What was shown once is no news any more. */
function useBell(): Pick<AppLayoutProps, "drawers" | "activeDrawerId" | "onDrawerChange"> {
  const feed = useHappened();
  const [open, setOpen] = useState(false);
  const [seen, setSeen] = useState(() => readChoice(SEEN));
  const newest = feed[0]?.at;
  useEffect(() => {
    if (open && newest) { setSeen(newest); writeChoice(SEEN, newest); }
  }, [open, newest]);
  return {
    activeDrawerId: open ? "happened" : null,
    onDrawerChange: ({ detail }) => setOpen(detail.activeDrawerId === "happened"),
    drawers: [{
      id: "happened", content: <Happened feed={feed} />, trigger: { iconName: "notification" }, badge: hasNews(feed, seen), defaultSize: 340,
      ariaLabels: { drawerName: "What happened", triggerButton: "What happened", closeButton: "Close what happened" },
    }],
  };
}
