/** Breaks after a slash first: narrow screens cannot fit a model's name on one line. */
export const Name = ({ name }: { name: string }) => (
  <>{name.split(/(?<=\/)/).flatMap((part, index) => (index === 0 ? [part] : [<wbr />, part]))}</>
);
