import { Fragment, type ReactNode } from "react";
import Box from "@cloudscape-design/components/box";
import Link from "@cloudscape-design/components/link";
import { lexer, type Token, type Tokens } from "marked";

interface Props { text: string; /** Where a relative link leads; undefined shows it as text. */ hrefOf?: (href: string) => string | undefined }

/** Markdown as elements of ours; HTML in it is shown as it is written, never run. */
export default function Markdown({ text, hrefOf = () => undefined }: Props) {
  return <div className="markdown">{lexer(text).map((token, index) => <Fragment key={index}>{block(token, hrefOf)}</Fragment>)}</div>;
}

type HrefOf = NonNullable<Props["hrefOf"]>;

function block(token: Token, hrefOf: HrefOf): ReactNode {
  switch (token.type) {
    case "heading": return <Box variant={token.depth === 1 ? "h2" : "h3"}>{inline(token.tokens, hrefOf)}</Box>;
    case "paragraph": return <Box variant="p">{inline(token.tokens, hrefOf)}</Box>;
    case "code": return <pre><code>{token.text}</code></pre>;
    case "blockquote": return <blockquote>{token.tokens?.map((each, index) => <Fragment key={index}>{block(each, hrefOf)}</Fragment>)}</blockquote>;
    case "list": return list(token as Tokens.List, hrefOf);
    case "table": return table(token as Tokens.Table, hrefOf);
    case "space": case "hr": return null;
    case "text": return token.tokens ? inline(token.tokens, hrefOf) : token.text;
    default: return token.raw;
  }
}

function list(token: Tokens.List, hrefOf: HrefOf): ReactNode {
  const items = token.items.map((item, index) => (
    <li key={index}>{item.tokens.map((each, place) => <Fragment key={place}>{block(each, hrefOf)}</Fragment>)}</li>
  ));
  return token.ordered ? <ol>{items}</ol> : <ul>{items}</ul>;
}

function table(token: Tokens.Table, hrefOf: HrefOf): ReactNode {
  return (
    <table>
      <thead><tr>{token.header.map((cell, index) => <th key={index} scope="col">{inline(cell.tokens, hrefOf)}</th>)}</tr></thead>
      <tbody>{token.rows.map((row, index) => <tr key={index}>{row.map((cell, place) => <td key={place}>{inline(cell.tokens, hrefOf)}</td>)}</tr>)}</tbody>
    </table>
  );
}

function inline(tokens: Token[] | undefined, hrefOf: HrefOf): ReactNode {
  return tokens?.map((token, index) => <Fragment key={index}>{piece(token, hrefOf)}</Fragment>);
}

function piece(token: Token, hrefOf: HrefOf): ReactNode {
  if (token.type === "strong") return <strong>{inline(token.tokens, hrefOf)}</strong>;
  if (token.type === "em") return <em>{inline(token.tokens, hrefOf)}</em>;
  if (token.type === "codespan") return <code>{token.text}</code>;
  if (token.type === "br") return <br />;
  if (token.type === "link") {
    const href = hrefOf((token as Tokens.Link).href);
    return href ? <Link href={href}>{inline(token.tokens, hrefOf)}</Link> : inline(token.tokens, hrefOf);
  }
  if (token.type === "text" || token.type === "escape") return "tokens" in token && token.tokens ? inline(token.tokens, hrefOf) : (token as Tokens.Text).text;
  return token.raw;
}
