import type { Member } from "./workspace.ts";

/** Packages that need each other to be built, devDependencies included: no order builds them. */
export function findCircles(members: readonly Member[]): readonly string[] {
  const done = new Set<Member>();
  const circles: string[] = [];
  const visit = (member: Member, path: readonly Member[]): void => {
    const start = path.indexOf(member);
    if (start >= 0) circles.push([...path.slice(start), member].map(({ folder }) => folder).join(" -> "));
    if (start >= 0 || done.has(member)) return;
    for (const next of needs(member, members)) visit(next, [...path, member]);
    done.add(member);
  };
  for (const member of members) visit(member, []);
  return circles.map(
    (circle) =>
      `${circle}: these depend on each other in a circle. Remove one of them from a dependency list`,
  );
}

function needs({ manifest }: Member, members: readonly Member[]): readonly Member[] {
  const { dependencies, peerDependencies, optionalDependencies, devDependencies } = manifest;
  const names = { ...dependencies, ...peerDependencies, ...optionalDependencies, ...devDependencies };
  return members.filter(({ name }) => Object.hasOwn(names, name));
}
