/**
 * The cycles of a graph: its strongly connected components of more than one node (Tarjan, 1972), each as a walk that
 * begins at its first node in alphabetical order and comes back to it.
 */
export function findCycles(graph: ReadonlyMap<string, readonly string[]>): string[][] {
  return findComponents(graph)
    .filter(component => component.length > 1)
    .map(component => walkRound(graph, component.sort()))
    .sort((a, b) => (a[0] < b[0] ? -1 : 1));
}

function findComponents(graph: ReadonlyMap<string, readonly string[]>): string[][] {
  const components: string[][] = [];
  const order = new Map<string, number>();
  const lowest = new Map<string, number>();
  const stack: string[] = [];

  const visit = (node: string): number => {
    let low = order.size;
    order.set(node, low);
    const own = low;
    stack.push(node);
    for (const next of graph.get(node) ?? []) {
      if (!order.has(next)) low = Math.min(low, visit(next));
      else if (stack.includes(next)) low = Math.min(low, order.get(next) ?? low);
    }
    lowest.set(node, low);
    if (low === own) components.push(stack.splice(stack.indexOf(node)));
    return low;
  };

  for (const node of graph.keys()) if (!order.has(node)) visit(node);
  return components;
}

/** The shortest way from the component's first node back to itself. */
function walkRound(graph: ReadonlyMap<string, readonly string[]>, component: readonly string[]): string[] {
  const start = component[0];
  const cameFrom = new Map<string, string>();
  const queue = [start];
  for (const node of queue) {
    for (const next of graph.get(node) ?? []) {
      if (next === start) return [...walkBack(cameFrom, node), start];
      if (!component.includes(next) || cameFrom.has(next)) continue;
      cameFrom.set(next, node);
      queue.push(next);
    }
  }
  return [...component];
}

function walkBack(cameFrom: ReadonlyMap<string, string>, end: string): string[] {
  const walk: string[] = [];
  for (let node: string | undefined = end; node !== undefined; node = cameFrom.get(node)) walk.unshift(node);
  return walk;
}
