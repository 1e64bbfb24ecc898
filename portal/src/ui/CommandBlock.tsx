import CopyToClipboard from "@cloudscape-design/components/copy-to-clipboard";

/** A command or request to copy, shown as it is typed. */
export function CommandBlock({ text, label }: { text: string; label: string }) {
  return (
    <div className="command-block">
      <pre tabIndex={0} role="region" aria-label={label}><code>{text}</code></pre>
      <CopyToClipboard
        variant="icon"
        textToCopy={text}
        copyButtonAriaLabel={`Copy: ${label}`}
        copySuccessText="Copied"
        copyErrorText="Could not copy: select the text instead"
      />
    </div>
  );
}
