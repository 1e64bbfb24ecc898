// The brand: Cloudscape's tokens, ours. Generated into a stylesheet at build time, because applying a theme at run time
// would inject <style> tags, which our Content-Security-Policy refuses.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { rolldown } from "rolldown";

const both = (light, dark) => ({ light, dark });
const accent = both("#0b6b66", "#5fd4c8");
const accentHover = both("#084f4b", "#8be4da");
const accentSoft = both("#e6f4f2", "#12302f");
const line = both("#dde3e6", "#2b373d");
const panel = both("#ffffff", "#141c21");

export const brandTokens = {
  fontFamilyBase: '"Inter Variable", system-ui, -apple-system, "Segoe UI", Roboto, sans-serif',
  fontFamilyHeading: '"Inter Variable", system-ui, -apple-system, "Segoe UI", Roboto, sans-serif',
  fontFamilyDisplay: '"Inter Variable", system-ui, -apple-system, "Segoe UI", Roboto, sans-serif',
  fontFamilyMonospace: 'ui-monospace, "SF Mono", "Cascadia Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace',
  colorBackgroundLayoutMain: both("#f6f8f9", "#0d1317"),
  colorBackgroundLayoutToolbar: both("#ffffff", "#11181d"),
  colorBackgroundLayoutPanel: both("#ffffff", "#11181d"),
  colorBackgroundContainerContent: panel,
  colorBackgroundContainerHeader: panel,
  colorBackgroundInputDefault: both("#ffffff", "#10171b"),
  colorBorderDividerDefault: line,
  colorBorderDividerSecondary: both("#e9eef0", "#222d33"),
  colorBorderLayout: line,
  colorTextBodyDefault: both("#16232a", "#d5dfe3"),
  colorTextBodySecondary: both("#4a5a63", "#9fb0b8"),
  colorTextHeadingDefault: both("#0d1a20", "#f0f5f6"),
  colorTextHeadingSecondary: both("#4a5a63", "#9fb0b8"),
  colorTextFormSecondary: both("#4a5a63", "#9fb0b8"),
  colorTextStatusSuccess: both("#0f6e42", "#6fd39b"),
  colorTextLabel: both("#3c4b53", "#b5c3c9"),
  colorTextLinkDefault: accent,
  colorTextLinkHover: accentHover,
  colorTextAccent: accent,
  colorTextInteractiveActive: accent,
  colorTextSideNavigationItemActive: accent,
  colorTextSegmentHover: accent,
  colorTextLayoutToggleHover: accent,
  colorBackgroundButtonPrimaryDefault: both("#0b6b66", "#5fd4c8"),
  colorBackgroundButtonPrimaryHover: both("#084f4b", "#8be4da"),
  colorBackgroundButtonPrimaryActive: both("#063b38", "#5fd4c8"),
  colorTextButtonPrimaryDefault: both("#ffffff", "#06201e"),
  colorTextButtonPrimaryHover: both("#ffffff", "#06201e"),
  colorTextButtonPrimaryActive: both("#ffffff", "#06201e"),
  colorTextButtonNormalDefault: accent,
  colorTextButtonNormalHover: accentHover,
  colorTextButtonNormalActive: accentHover,
  colorBorderButtonNormalDefault: accent,
  colorBorderButtonNormalHover: accentHover,
  colorBorderButtonNormalActive: accentHover,
  colorBackgroundButtonNormalHover: accentSoft,
  colorBackgroundButtonNormalActive: accentSoft,
  colorBackgroundButtonLinkHover: accentSoft,
  colorBackgroundButtonLinkActive: accentSoft,
  colorTextButtonLinkDefault: accent,
  colorTextButtonLinkHover: accentHover,
  colorBackgroundControlChecked: accent,
  colorBackgroundSegmentActive: accent,
  colorBackgroundToggleCheckedDisabled: both("#a9cfcc", "#1d4542"),
  colorBackgroundItemSelected: accentSoft,
  colorBackgroundDropdownItemSelected: accentSoft,
  colorBackgroundProgressBarValueDefault: accent,
  colorBackgroundLayoutToggleSelectedDefault: accentSoft,
  colorBackgroundLayoutToggleSelectedHover: accentSoft,
  colorBackgroundLayoutToggleSelectedActive: accentSoft,
  colorTextLayoutToggleSelected: accent,
  colorBorderItemFocused: accent,
  colorBorderItemSelected: accent,
  colorItemSelected: accent,
  colorBorderInputFocused: accent,
  colorTextDropdownItemFilterMatch: accent,
  colorBackgroundDropdownItemFilterMatch: accentSoft,
  colorTextButtonIconHover: accentHover,
  colorTextInteractiveHover: accentHover,
  colorTextExpandableSectionHover: accent,
  borderRadiusButton: "8px",
  borderRadiusContainer: "12px",
  borderRadiusInput: "8px",
  borderRadiusTiles: "10px",
  borderRadiusAlert: "10px",
  borderRadiusFlashbar: "10px",
  borderRadiusBadge: "6px",
  borderRadiusToken: "8px",
  borderRadiusDropdown: "10px",
  borderWidthButton: "1px",
  fontWeightButton: "600",
  fontWeightHeadingXl: "650",
  fontWeightHeadingL: "650",
  fontWeightHeadingM: "650",
};

// The top bar stays dark in both themes: it frames the page and never competes with it.
const topBar = {
  colorTextInteractiveHover: "#8be4da",
  colorTextInteractiveActive: "#5fd4c8",
  colorTextAccent: "#5fd4c8",
  colorBackgroundContainerContent: "#0c1519",
  colorBackgroundButtonPrimaryDefault: "#5fd4c8",
  colorBackgroundButtonPrimaryHover: "#8be4da",
  colorBackgroundButtonPrimaryActive: "#5fd4c8",
  colorTextButtonPrimaryDefault: "#06201e",
  colorTextButtonPrimaryHover: "#06201e",
  colorTextButtonPrimaryActive: "#06201e",
  colorBorderDividerDefault: "#0c1519",
};

export async function brandStylesheet(root) {
  const folder = await mkdtemp(join(tmpdir(), "aifactory-brand-"));
  try {
    const bundle = await rolldown({
      input: join(root, "node_modules/@cloudscape-design/components/theming/index.js"),
      logLevel: "silent",
    });
    const file = join(folder, "theming.mjs");
    await bundle.write({ file, format: "esm", codeSplitting: false });
    const { generateThemeStylesheet } = await import(pathToFileURL(file).href);
    return generateThemeStylesheet({
      theme: { tokens: brandTokens, contexts: { "top-navigation": { tokens: topBar } } },
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
