import { readFileSync } from "node:fs";

import { parseSync, Visitor } from "oxc-parser";

export interface Import {
  readonly specifier: string;
  readonly line: number;
  readonly typeOnly: boolean;
}

export interface Source {
  readonly imports: readonly Import[];
  /** The lines that read the environment. */
  readonly environment: readonly number[];
}

/** Everything a file names by a specifier, types and `import()` included, and where it reads process.env. */
export function readSource(file: string): Source {
  const text = readFileSync(file, "utf8");
  const { program, errors } = parseSync(file, text);
  if (errors.length > 0) throw new Error(`${file} cannot be parsed: ${errors[0]?.message}`);
  const imports: Import[] = [];
  const environment: number[] = [];
  const lineOf = (offset: number): number => text.slice(0, offset).split("\n").length;
  const add = (source: unknown, start: number, typeOnly = false): void => {
    const specifier = literal(source);
    if (specifier !== undefined) imports.push({ specifier, line: lineOf(start), typeOnly });
  };
  new Visitor({
    ImportDeclaration(node) {
      const named = node.specifiers.filter((one) => one.type === "ImportSpecifier");
      const onlyTypes = named.length > 0 && named.length === node.specifiers.length;
      add(
        node.source,
        node.start,
        node.importKind === "type" || (onlyTypes && named.every((one) => one.importKind === "type")),
      );
      if (isProcess(node.source.value) && named.some((one) => nameOf(one.imported) === "env"))
        environment.push(lineOf(node.start));
    },
    ExportAllDeclaration: (node) => add(node.source, node.start, node.exportKind === "type"),
    ExportNamedDeclaration: (node) => add(node.source, node.start, node.exportKind === "type"),
    ImportExpression: (node) => add(node.source, node.start),
    TSImportType: (node) => add(node.source, node.start, true),
    TSExternalModuleReference: (node) => add(node.expression, node.start),
    CallExpression(node) {
      const { callee } = node;
      const isRequire =
        callee.type === "Identifier" && (callee.name === "require" || callee.name === "loadSdk");
      const isResolve =
        callee.type === "MemberExpression" &&
        ((callee.object.type === "MetaProperty" && nameOf(callee.property) === "resolve") ||
          (callee.object.type === "Identifier" && callee.object.name === "require"));
      if (isRequire || isResolve) add(node.arguments[0], node.start);
    },
    MemberExpression(node) {
      if (isProcessObject(node.object) && nameOf(node.property) === "env")
        environment.push(lineOf(node.start));
    },
    VariableDeclarator(node) {
      if (node.id.type !== "ObjectPattern" || node.init === null || !isProcessObject(node.init)) return;
      const takesEnv = node.id.properties.some(
        (one) => one.type === "RestElement" || nameOf(one.key) === "env",
      );
      if (takesEnv) environment.push(lineOf(node.start));
    },
  }).visit(program);
  return { imports, environment };
}

interface Node {
  readonly type: string;
}

function isProcess(specifier: string): boolean {
  return specifier === "node:process" || specifier === "process";
}

/** `process`, `globalThis.process`. */
function isProcessObject(node: Node): boolean {
  if (node.type === "Identifier") return nameOf(node) === "process";
  if (node.type !== "MemberExpression") return false;
  const { object, property } = node as Node & { readonly object: Node; readonly property: Node };
  return nameOf(object) === "globalThis" && nameOf(property) === "process";
}

function nameOf(node: Node): string | undefined {
  return node.type === "Identifier" ? (node as Node & { readonly name: string }).name : literal(node);
}

function literal(node: unknown): string | undefined {
  const { type, value, quasis } = (node ?? {}) as {
    readonly type?: string;
    readonly value?: unknown;
    readonly quasis?: readonly { readonly value: { readonly cooked: string } }[];
  };
  if (type === "Literal" && typeof value === "string") return value;
  if (type === "TemplateLiteral" && quasis?.length === 1) return quasis[0]?.value.cooked;
  if (type === "TSLiteralType") return literal((node as { readonly literal: unknown }).literal);
  return undefined;
}
