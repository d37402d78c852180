# What install.sh says, in Portuguese; sourced by it when the console speaks Portuguese.
. "$source_dir/installers/portuguese.sh"

usage() {
  cat <<TXT
Uso: installers/install.sh [opções]

  --unattended        não pergunta nada; o que não é dado fica com o padrão
  --config ARQUIVO    respostas em YAML, qualquer variável de ansible/ (padrão: as da última instalação)
  --domain NOME       nome que as pessoas digitam para chegar à caixa (padrão: o desta máquina)
  --tls MODO          acme: endereço público, certificados automáticos; internal: uma autoridade da própria caixa (padrão);
                      supplied: os seus, com --certificate e --certificate-key; none: você traz o seu próprio proxy
  --email ENDEREÇO    para quem a autoridade certificadora escreve
  --certificate ARQUIVO, --certificate-key ARQUIVO
  --plan TAMANHO      small (padrão), medium ou large
  --bundle ARQUIVO    tudo vem deste arquivo de installers/bundle; nenhuma rede é usada
  --release-key PEM   chave pública de quem faz as versões: o pacote e as atualizações devem ser assinados por ela
  --check             não muda nada, diz o que mudaria (numa caixa instalada)
  --help              este texto
TXT
}

said_as+=(
  ["%s takes one of: %s"]="%s recebe um destes: %s"
  ["the questions were not answered; nothing was installed."]="as perguntas não foram respondidas; nada foi instalado."
  ["To be asked nothing: %s"]="Para instalar sem perguntas: %s"
  ["It has to be one of: %s"]="Tem de ser um destes: %s"
  ["The file %s cannot be read."]="Não é possível ler o arquivo %s."
  ["The certificate or its key cannot be read."]="Não é possível ler o certificado ou a sua chave."
  ["installing takes administrator rights."]="a instalação exige direitos de administrador."
  ["Run it with sudo, or try SalesEdge first without: %s"]="Rode com sudo, ou experimente antes o SalesEdge sem isso: %s"
  ["SalesEdge is installed on Debian 12, Ubuntu 24.04 and newer; this is %s."]="o SalesEdge se instala no Debian 12, no Ubuntu 24.04 e mais novos; aqui é %s."
  ["To try it on anything with Python 3.11: %s"]="Para experimentar em qualquer lugar com Python 3.11: %s"
  ["Name people type to reach the box?"]="Nome que as pessoas digitam para chegar à caixa?"
  ["Certificate: acme, internal, supplied or none?"]="Certificado: acme, internal, supplied ou none?"
  ["E-mail for the certificate authority?"]="E-mail para a autoridade certificadora?"
  ["File of the certificate chain?"]="Arquivo da cadeia de certificados?"
  ["File of its key?"]="Arquivo da chave?"
  ["Size: small, medium or large?"]="Tamanho: small, medium ou large?"
  ["GPU: NVIDIA, with its driver; the engine that comes with the box works on the processor, Ollama or one that you compile can use it"]="GPU: NVIDIA, com o driver; o motor que vem com a caixa trabalha no processador, mas o Ollama ou um motor compilado por você pode usar a placa"
  ["GPU: NVIDIA, but its driver is missing; language models would run on the processor (Debian: apt-get install nvidia-driver)"]="GPU: NVIDIA, mas falta o driver; modelos de linguagem rodariam no processador (Debian: apt-get install nvidia-driver)"
  ["GPU: none; language models run on the processor"]="GPU: nenhuma; modelos de linguagem rodam no processador"
  ["The program that installs (Ansible), each package checked against its hash"]="O programa que instala (Ansible), cada pacote conferido pela soma de verificação"
  ["apt could not install %s."]="o apt não conseguiu instalar %s."
  ["SalesEdge, its database, queue, proxy and firewall; some minutes the first time"]="O SalesEdge, seu banco de dados, fila, proxy e firewall; alguns minutos na primeira vez"
  ["a step above could not be done; what was done before it stays, and another run goes on from there."]="um passo acima não pôde ser feito; o que veio antes fica, e outra execução continua dali."
  ["Ready"]="Pronto"
  ["SalesEdge runs at %s"]="O SalesEdge está em %s"
  ["SalesEdge is installed; no systemd runs here, so it starts with the machine. Address: %s"]="O SalesEdge está instalado; não há systemd rodando aqui, então ele inicia com a máquina. Endereço: %s"
  ["--bundle needs --release-key: the public key of whoever made the file."]="--bundle precisa de --release-key: a chave pública de quem fez o arquivo."
  ["%s is needed to check the bundle, and it is not on this machine."]="%s é necessário para conferir o pacote e não está nesta máquina."
  ["It is on the installation medium of the distribution."]="Ele está na mídia de instalação da distribuição."
  ["The bundle: its signature, and the sum of each file in it"]="O pacote: a sua assinatura e a soma de cada arquivo dele"
  ["the bundle was refused; nothing was changed."]="o pacote foi recusado; nada foi mudado."
  ["the packages in the bundle cannot be read."]="não é possível ler os pacotes do arquivo."
  ["%s in the release file is not what was signed. Get the file again."]="%s no arquivo da versão não é o que foi assinado. Obtenha o arquivo de novo."
  ["%s is no release file of SalesEdge."]="%s não é um arquivo de versão do SalesEdge."
  ["The release file was cut off. Get it again."]="O arquivo da versão foi cortado. Obtenha-o de novo."
  ["The key %s did not sign this release file. It was altered, or comes from somebody else."]="A chave %s não assinou este arquivo de versão. Ele foi alterado ou vem de outra pessoa."
  ["The release file is older than the release on this box: %s. To undo an update: salesedge rollback."]="O arquivo de versão é mais antigo do que a versão desta caixa: %s. Para desfazer uma atualização: salesedge rollback."
  ["The release file does not follow the release on this box: %s. Update to one in between first."]="O arquivo de versão não segue a versão desta caixa: %s. Atualize antes para uma intermediária."
  ["The releases of this box are signed by the key with the fingerprint %s. Compare it with what their maker tells you by another way."]="As versões desta caixa são assinadas pela chave com a impressão digital %s. Compare-a com o que o autor lhe disser por outro meio."
  ["Open %s and enter the one-time code %s"]="Abra %s e informe o código de uso único %s"
)
