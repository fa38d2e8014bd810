// Metrics of letters that pdfkit ships without types.
// owns: their names. never: what is in them. always true: whatever they are, only pdfkit reads them.

declare module 'pdfkit/standard-fonts/*'
