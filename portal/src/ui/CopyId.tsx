import CopyToClipboard from "@cloudscape-design/components/copy-to-clipboard";

/** An id in monospace with a button that copies it. `short` shows its end only; the whole is copied. */
export function CopyId({ id, label = "id", short = false }: { id: string; label?: string; short?: boolean }) {
  const shown = short && id.length > 16 ? `${id.split("_")[0]}_…${id.slice(-6)}` : id;
  return (
    <span className="copy-id">
      <code title={id}>{shown}</code>
      <CopyToClipboard
        variant="icon"
        textToCopy={id}
        copyButtonAriaLabel={`Copy ${label} ${id}`}
        copySuccessText={`Copied ${label}`}
        copyErrorText="Could not copy: select the text instead"
      />
    </span>
  );
}
