// @ts-check
// Refuses a Node that is too old, in words: in front of everything else, in clones and in the bundle, so in plain JavaScript of
// either kind of module. What it wants is what package.json says under engines.
{
  const wanted = [20, 18, 1];
  const running = process.versions.node.split('.').map(Number);
  const differs = wanted.findIndex((part, i) => part !== running[i]);
  if (differs !== -1 && running[differs] < wanted[differs]) {
    console.error(
      `Outrider needs Node >=${wanted.join('.')}, this is ${process.version} (${process.execPath}).`,
    );
    process.exit(2);
  }
}
