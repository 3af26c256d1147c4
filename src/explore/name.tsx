/** A name that breaks behind a slash before it breaks within a word: narrow screens have no place for a model's on one line. */
export const Name = ({ name }: { name: string }) => (
  <>{name.split(/(?<=\/)/).flatMap((part, index) => (index === 0 ? [part] : [<wbr />, part]))}</>
);
